# Mean and standard error of respondents drawn in two stages, by R survey, for tests/test_error.py:
# 12 units of 40, two respondents of each out of very many. Run in this folder: Rscript two_stage.R
suppressMessages(library(survey))
d <- read.csv("made_order.csv")
d <- d[ave(d$AG, d$unit, FUN = length) >= 2, ]
d <- d[ave(seq_along(d$unit), d$unit, FUN = seq_along) <= 2, ]
n <- length(unique(d$unit))
d$respondent <- seq_len(nrow(d))
d$N <- 40
d$M <- 1e12
out <- c(units = n)
for (name in c("AG", "VB")) {
  design <- svydesign(ids = ~unit + respondent, fpc = ~N + M, data = d)
  m <- svymean(as.formula(paste0("~", name)), design)
  out[paste0("mean.", name)] <- coef(m)
  out[paste0("error.", name)] <- SE(m)
}
write.csv(data.frame(name = names(out), value = format(out, digits = 15, scientific = TRUE)),
          "two_stage.csv", row.names = FALSE, quote = FALSE)

# How far apart roles score within units, and the error of that by unit, by R clubSandwich (CR3, a
# jackknife), for tests/test_scores.py. Role and wave of a respondent are dealt.
# Run in this folder: Rscript roles.R
suppressMessages(library(clubSandwich))
d <- read.csv("made_order.csv")
i <- seq_len(nrow(d))
role <- c("x", "y", "z")[(i * i) %% 7 %% 3 + 1]
within <- function(x) x - ave(x, d$unit)
table <- data.frame(AG = within(d$AG), y = within(role == "y"), z = within(role == "z"),
                    wave = within((i %/% 2) %% 3 == 1))
fit <- lm(AG ~ 0 + y + z + wave, table)
V <- vcovCR(fit, cluster = d$unit, type = "CR3")
out <- c(y = coef(fit)[["y"]], z = coef(fit)[["z"]], yy = V["y", "y"], zz = V["z", "z"],
         yz = V["y", "z"])
write.csv(data.frame(name = names(out), value = format(out, digits = 15, scientific = TRUE)),
          "roles.csv", row.names = FALSE, quote = FALSE)

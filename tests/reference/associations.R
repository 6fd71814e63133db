# Kappa by R vcd 1.4-11; rank correlation, exact test and Holm by R stats, on made_order.csv.
# Run from the folder of this script:  Rscript associations.R     Writes associations.csv.
# Not psych 2.2.9: its error of the weighted kappa (.126 here) adds up the marginals the wrong way;
# 4,000 multinomial samples of this table spread by .086, vcd and the package give .084.
suppressMessages(library(vcd))
d <- read.csv("made_order.csv")
out <- c()
keep <- function(name, value) out[name] <<- value
k <- Kappa(table(factor(d$AG, 0:4), factor(d$VB, 0:4)), weights = "Fleiss-Cohen")
keep("kappa.plain", k$Unweighted["value"])
keep("kappa.quadratic", k$Weighted["value"])
for (end in 1:2) {
  name <- c("low", "high")[end]
  keep(paste0("kappa.plain.", name), confint(k)["Unweighted", end])
  keep(paste0("kappa.quadratic.", name), confint(k)["Weighted", end])
}
p <- c()
for (pair in list(c("AG", "EX"), c("AG", "NN"), c("VB", "NN"))) {
  a <- d[[pair[1]]]; b <- d[[pair[2]]]; name <- paste(pair, collapse = ".")
  rho <- cor(a, b, method = "spearman")
  keep(paste0("rho.", name), rho)
  p[name] <- 2 * pnorm(-abs(atanh(rho)) * sqrt((length(a) - 3) / 1.06))
  counts <- table(factor(a >= 2, c(FALSE, TRUE)), factor(b >= 2, c(FALSE, TRUE)))
  keep(paste0("fisher.", name), fisher.test(counts, alternative = "greater")$p.value)
  keep(paste0("phi.", name), cor(a >= 2, b >= 2))
}
for (name in names(p)) keep(paste0("holm.", name), p.adjust(p, "holm")[[name]])
several <- d[d$unit %in% names(which(table(d$unit) > 1)), ]
fit <- aov(AG ~ unit, several)
keep("error.of.one.respondent", sqrt(deviance(fit) / df.residual(fit)))
write.csv(data.frame(name = names(out), value = format(out, digits = 15, scientific = TRUE)),
          "associations.csv", row.names = FALSE, quote = FALSE)

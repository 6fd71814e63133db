# Agreement by R multilevel 2.7 on the made-up answers of made_answers.csv (made by the test).
# Run from the folder of this script:  Rscript agreement.R      Writes agreement.csv: name,value.
suppressMessages(library(multilevel))
d <- read.csv("made_answers.csv")
x <- d[, c("AG1", "AG2", "AG3")]
r <- rwg.j(x, d$unit, ranvar = (5^2 - 1) / 12)
a <- ad.m(x, d$unit)
m <- aov(rowMeans(x) ~ as.factor(d$unit))
out <- c(setNames(r$rwg.j, paste0("rwg.", r$grpid)), setNames(a$AD.M, paste0("ad.", a$grpid)),
         icc1 = ICC1(m), icc2 = ICC2(m))
write.csv(data.frame(name = names(out), value = format(out, digits = 15, scientific = TRUE)),
          "agreement.csv", row.names = FALSE, quote = FALSE)

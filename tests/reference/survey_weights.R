# Weights, standard errors and intervals by the R package survey, for tests/test_weights.py.
# Run in this folder: Rscript survey_weights.R
suppressMessages(library(survey))
sample <- read.csv("survey_sample.csv", stringsAsFactors = TRUE)
population <- read.csv("survey_population.csv", stringsAsFactors = TRUE)
N <- nrow(population)
n <- nrow(sample)
sample$profile <- factor(sample$profile)
sample$N <- N
options(digits = 15)
design <- svydesign(ids = ~1, data = sample, weights = rep(N / n, n), fpc = ~N)
size <- as.data.frame(table(size = population$size))
region <- as.data.frame(table(region = population$region))
raked <- rake(design, list(~size, ~region), list(size, region),
              control = list(maxit = 1000, epsilon = 1e-12))
totals <- colSums(model.matrix(~ size + region, population))
calibrated <- calibrate(design, ~ size + region, population = totals, calfun = "raking",
                        epsilon = 1e-12, maxit = 1000)
mean_weight <- mean(weights(raked))
trimmed <- trimWeights(raked, lower = 0.7 * mean_weight, upper = 1.4 * mean_weight, strict = TRUE)
given <- svydesign(ids = ~1, data = sample, weights = weights(raked), fpc = ~N)

write.csv(data.frame(unit = sample$unit, raked = weights(raked), calibrated = weights(calibrated),
                     trimmed = weights(trimmed)),
          "survey_weights.csv", row.names = FALSE)

kish <- function(w) 1 + (length(w) - 1) / length(w) * var(w) / mean(w)^2
effects <- sapply(list(raked = weights(raked), trimmed = weights(trimmed)), kish)
write.csv(data.frame(weights = names(effects), design_effect = effects, effective_n = n / effects),
          "survey_design_effects.csv", row.names = FALSE)

rows <- NULL
for (name in c("equal", "given", "calibrated")) {
  d <- list(equal = design, given = given, calibrated = calibrated)[[name]]
  for (level in levels(sample$profile)) {
    d <- update(d, member = as.numeric(profile == level))
    m <- svymean(~member, d)
    interval <- confint(svyciprop(~member, d, method = "logit", df = n - 1))
    rows <- rbind(rows, data.frame(design = name, profile = level, share = coef(m), se = SE(m)[1],
                                   low = interval[1], high = interval[2]))
  }
}
write.csv(rows, "survey_shares.csv", row.names = FALSE)

responded <- population$unit %in% sample$unit
test <- chisq.test(table(population$size, responded), correct = FALSE)
write.csv(data.frame(chi_square = test$statistic, df = test$parameter, p = test$p.value,
                     cramers_v = sqrt(test$statistic / N),
                     smallest_expected = min(test$expected)),
          "survey_response_test.csv", row.names = FALSE)
cat(R.version.string, "survey", as.character(packageVersion("survey")), "\n")

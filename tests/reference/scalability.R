# Loevinger's H by counting Guttman errors, with base R only; mokken is not in Debian.
# Run from the folder of this script:  Rscript scalability.R
# Writes made_order.csv (the answers, made here) and scalability.csv: name,value.
#
# The package divides covariances by the largest the marginals allow. Here H = 1 - F / E: F counts
# the weighted Guttman errors, E what unrelated phases would give (Mokken 1971; Molenaar 1991). The
# weight of a pair of scores: order the steps of both phases from the most to the least often
# passed, and count for each step passed the steps before it that were failed.
# Two levels (Snijders 2001): within takes both scores of one respondent, between the scores of two
# respondents of one unit; every unit weighs the same.

set.seed(1971)
unit <- rep(1:15, times = rep(c(1, 2, 3, 4, 6), 3))
level <- rnorm(15)[unit] + rnorm(length(unit), 0, 0.5)
x <- sapply(c(-1, -0.5, 0, 0.5, 1), function(d)
  findInterval(level - d + rnorm(length(unit), 0, 0.7), c(-1.2, -0.4, 0.4, 1.2)))
colnames(x) <- c("AG", "EX", "VB", "VA", "NN")
write.csv(data.frame(unit = sprintf("U%02d", unit), x), "made_order.csv", row.names = FALSE,
          quote = FALSE)

errors_of <- function(p, q) {  # p, q: shares of the scores 0, 1, ... of two phases
  passed_by <- function(share) rev(cumsum(rev(share)))[-1]
  steps <- data.frame(phase = rep(1:2, c(length(p) - 1, length(q) - 1)),
                      step = c(seq_along(p[-1]), seq_along(q[-1])),
                      share = c(passed_by(p), passed_by(q)))
  steps <- steps[order(-round(steps$share, 12), steps$step), ]
  weight <- function(a, b) {
    passed <- ifelse(steps$phase == 1, a, b) >= steps$step
    sum(cumsum(!passed)[passed])
  }
  outer(seq_along(p) - 1, seq_along(q) - 1, Vectorize(weight))
}

# H of pairs, phases and scale. `joint` gives the shares of pairs of scores of two phases.
scalability <- function(x, top, joint, share) {
  m <- ncol(x)
  observed <- expected <- matrix(0, m, m, dimnames = list(colnames(x), colnames(x)))
  for (i in 1:m) for (j in 1:m) if (i != j) {
    p <- share(x[, i], top); q <- share(x[, j], top)
    weights <- errors_of(p, q)
    observed[i, j] <- sum(weights * joint(x[, i], x[, j], top))
    expected[i, j] <- sum(weights * outer(p, q))
  }
  list(pair = 1 - observed / expected, phase = 1 - rowSums(observed) / rowSums(expected),
       scale = 1 - sum(observed) / sum(expected))
}
crossed <- function(a, b, top) table(factor(a, 0:top), factor(b, 0:top))
one_level <- function(x, top) scalability(x, top,
  function(a, b, top) crossed(a, b, top) / length(a),
  function(a, top) table(factor(a, 0:top)) / length(a))

out <- c()
for (kind in c("scores", "active")) {
  y <- if (kind == "scores") x else (x >= 2) * 1
  h <- one_level(y, if (kind == "scores") 4 else 1)
  out[paste0(kind, ".scale")] <- h$scale
  for (i in colnames(x)) out[paste0(kind, ".", i)] <- h$phase[i]
  for (i in 1:4) for (j in (i + 1):5)
    out[paste0(kind, ".", colnames(x)[i], ".", colnames(x)[j])] <- h$pair[i, j]
}

several <- unit %in% which(table(unit) > 1)
units <- split(which(several), unit[several])
over_units <- function(of_unit) Reduce(`+`, lapply(units, of_unit)) / length(units)
share <- function(a, top) over_units(function(r) table(factor(a[r], 0:top)) / length(r))
within <- function(a, b, top) over_units(function(r) crossed(a[r], b[r], top) / length(r))
between <- function(a, b, top) over_units(function(r) {
  pairs <- subset(expand.grid(one = r, other = r), one != other)
  crossed(a[pairs$one], b[pairs$other], top) / nrow(pairs)
})
for (kind in c("scores", "active")) {
  y <- if (kind == "scores") x else (x >= 2) * 1
  top <- if (kind == "scores") 4 else 1
  out[paste0(kind, ".within")] <- scalability(y, top, within, share)$scale
  out[paste0(kind, ".between")] <- scalability(y, top, between, share)$scale
}
write.csv(data.frame(name = names(out), value = format(out, digits = 15, scientific = TRUE)),
          "scalability.csv", row.names = FALSE, quote = FALSE)

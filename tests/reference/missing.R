# Little's (1988) test and the normal likelihood of incomplete rows, in base R, for test_missing.py.
# Not by EM: the likelihood itself is climbed (BFGS) over means and a Cholesky factor.
# The data are R's own airquality (New York State Department of Conservation and National Weather
# Service; Chambers et al. 1983). naniar 1.1.0 has in its tests of mcar_test(airquality):
# statistic 35.1061288689702, df 14, p 0.00141778113856683, 4 patterns.
#
#     Rscript missing.R       (in this folder; writes airquality.csv and missing.csv)

x <- as.matrix(airquality)
q <- ncol(x)
seen <- !is.na(x)
key <- apply(seen, 1, paste, collapse = " ")
sets <- split(seq_len(nrow(x)), key)
middle <- colMeans(x, na.rm = TRUE)
unit <- apply(x, 2, sd, na.rm = TRUE)
z <- sweep(sweep(x, 2, middle), 2, unit, "/")

moments <- function(theta) {
  root <- diag(exp(theta[q + seq_len(q)]))
  root[lower.tri(root)] <- theta[-seq_len(2 * q)]
  list(mean = theta[seq_len(q)], covariance = root %*% t(root))
}

deviance <- function(theta) {
  m <- moments(theta)
  if (!all(is.finite(m$covariance)) || rcond(m$covariance) < 1e-12) return(1e10)  # a step too far
  sum(vapply(sets, function(rows) {
    o <- seen[rows[1], ]
    s <- m$covariance[o, o]
    gaps <- sweep(z[rows, o, drop = FALSE], 2, m$mean[o])
    length(rows) * as.numeric(determinant(s)$modulus) + sum(gaps %*% solve(s) * gaps)
  }, 0))
}

theta <- rep(0, q + q * (q + 1) / 2)
for (turn in 1:5) {
  theta <- optim(theta, deviance, method = "BFGS", control = list(maxit = 5000, reltol = 1e-15))$par
}
m <- moments(theta)
statistic <- sum(vapply(sets, function(rows) {
  o <- seen[rows[1], ]
  gap <- colMeans(z[rows, o, drop = FALSE]) - m$mean[o]
  length(rows) * sum(gap * solve(m$covariance[o, o], gap))
}, 0))
df <- sum(vapply(sets, function(rows) sum(seen[rows[1], ]), 0)) - q
expected <- z
for (rows in sets) {
  o <- seen[rows[1], ]
  if (all(o)) next
  weights <- m$covariance[!o, o, drop = FALSE] %*% solve(m$covariance[o, o])
  gaps <- sweep(z[rows, o, drop = FALSE], 2, m$mean[o])
  expected[rows, !o] <- sweep(gaps %*% t(weights), 2, m$mean[!o], "+")
}
expected <- colMeans(sweep(sweep(expected, 2, unit, "*"), 2, middle, "+"))

write.csv(airquality, "airquality.csv", row.names = FALSE, quote = FALSE)
told <- c(statistic = statistic, df = df, p = pchisq(statistic, df, lower.tail = FALSE),
          patterns = length(sets), expected)
write.csv(data.frame(what = names(told), value = signif(told, 10)), "missing.csv",
          row.names = FALSE, quote = FALSE)

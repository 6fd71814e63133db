# Log-likelihoods of R's mclust for six covariance models, k = 1..4, on iris and on mclust's diabetes
# (Reaven & Miller 1979, Diabetologia 16, 17-24). Writes mclust.csv and diabetes.csv.
#   Rscript tests/reference/mclust.R      (Debian: apt-get install r-cran-mclust)
suppressMessages(library(mclust))
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
data(diabetes)
sets <- list(iris = iris[, 1:4], diabetes = diabetes[, 2:4])
rows <- list()
for (name in names(sets)) for (model in c("EII", "VII", "EEI", "VVI", "EEE", "VVV")) for (k in 1:4) {
  fit <- tryCatch(Mclust(sets[[name]], G = k, modelNames = model, verbose = FALSE),
                  error = function(e) NULL)
  if (!is.null(fit)) rows[[length(rows) + 1]] <- data.frame(
    data = name, model = model, k = k, log_likelihood = fit$loglik, n_parameters = fit$df,
    bic = -fit$bic, icl = -icl(fit))
}
table <- do.call(rbind, rows)
write.csv(format(table, digits = 12, trim = TRUE), file.path(here, "mclust.csv"),
          row.names = FALSE, quote = FALSE)
write.csv(diabetes[, 2:4], file.path(here, "diabetes.csv"), row.names = FALSE)
cat(R.version.string, "mclust", as.character(packageVersion("mclust")), "\n")

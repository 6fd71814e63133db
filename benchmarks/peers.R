# CPU seconds of R's fpc and mclust on scores.csv:
#   Rscript benchmarks/peers.R scores.csv      (Debian: r-cran-fpc r-cran-mclust)
# clusterboot: k-means with 10 starts, k = 2..8, B = 100. Mclust: VVI, G = 2..6, its one
# hierarchical start per G.
suppressMessages({library(fpc); library(mclust)})
values <- as.matrix(read.csv(commandArgs(trailingOnly = TRUE)[1], row.names = 1))
cpu <- function(expression) sum(system.time(expression)[1:2])
boot <- cpu(for (k in 2:8) clusterboot(values, B = 100, bootmethod = "boot", krange = k,
  clustermethod = kmeansCBI, runs = 10, count = FALSE, seed = 1))
fits <- list()
mix <- cpu(for (k in 2:6) fits[[k]] <- Mclust(values, G = k, modelNames = "VVI", verbose = FALSE))
cat(sprintf("%.2f %.2f\n", boot, mix))
cat(sapply(fits[2:6], function(fit) sprintf("%.3f", fit$loglik)), "\n")

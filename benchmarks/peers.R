# CPU seconds of R's fpc, cluster and mclust on scores.csv:
#   Rscript benchmarks/peers.R scores.csv      (Debian: r-cran-fpc r-cran-cluster r-cran-mclust)
# clusterboot: k-means with 10 starts, k = 2..8, B = 100. clusGap: k-means with 10 starts, k = 1..8,
# B = 50. Mclust: VVI, G = 2..6, its one hierarchical start per G.
suppressMessages({library(fpc); library(cluster); library(mclust)})
values <- as.matrix(read.csv(commandArgs(trailingOnly = TRUE)[1], row.names = 1))
cpu <- function(expression) sum(system.time(expression)[1:2])
boot <- cpu(for (k in 2:8) clusterboot(values, B = 100, bootmethod = "boot", krange = k,
  clustermethod = kmeansCBI, runs = 10, count = FALSE, seed = 1))
gap <- cpu(clusGap(values, kmeans, K.max = 8, B = 50, nstart = 10, d.power = 2, verbose = FALSE))
fits <- list()
mix <- cpu(for (k in 2:6) fits[[k]] <- Mclust(values, G = k, modelNames = "VVI", verbose = FALSE))
cat(sprintf("%.2f %.2f %.2f\n", boot, gap, mix))
cat(sapply(fits[2:6], function(fit) sprintf("%.3f", fit$loglik)), "\n")

# Time of fpc::clusterboot, k-means with 10 starts, k = 2..8, B = 100, on scores.csv; CPU seconds.
#   Rscript benchmarks/clusterboot.R scores.csv
suppressMessages(library(fpc))
values <- as.matrix(read.csv(commandArgs(trailingOnly = TRUE)[1], row.names = 1))
time <- system.time(for (k in 2:8) clusterboot(values, B = 100, bootmethod = "boot", krange = k,
  clustermethod = kmeansCBI, runs = 10, count = FALSE, seed = 1))
cat(sprintf("fpc %.2f s\n", sum(time[1:2])))

"""Whether those who answered represent the population: account, weights, margins."""

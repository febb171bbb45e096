"""Training of the variational autoencoder whose decoder is the generative wind."""

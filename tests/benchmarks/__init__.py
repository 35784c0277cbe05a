"""What our films and simulations take, against a peer or a floor measured in the same run: `make bench`."""

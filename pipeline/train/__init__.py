"""Train the line model from gold pages: `pipeline train`."""

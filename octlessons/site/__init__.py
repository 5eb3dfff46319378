"""The site: building and serving the editions of the book."""

"""Laying one surface over another: rigidly, freely, by correspondence."""

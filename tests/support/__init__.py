"""Shared by tests of several packages: servers, clips, a stand-in Hub, small models."""

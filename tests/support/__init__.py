"""What tests of several rooms share: servers, clips, a stand-in Hub, small models."""

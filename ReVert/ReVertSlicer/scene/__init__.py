"""What is shown: nodes of the MRML scene."""

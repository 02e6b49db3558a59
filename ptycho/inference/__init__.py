"""The way from patches to a picture, which both backends share."""

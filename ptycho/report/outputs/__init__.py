"""Files of a picture for other programs, one module each; `ptycho.settings.registries.OUTPUTS` finds them."""

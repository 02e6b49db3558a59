"""The loggers of a training, one module each, named as `execution.logger_backend` names them."""

"""What can be chosen by name, open to plugins: where the entries live and which setting chooses one.

An entry is a module of the named package, a plugin of another distribution, or was added at run time. The
packages stand above this room and are named as text: an entry's module is imported when somebody looks it up,
not when a setting is checked against the names.
"""

from typing import Any

from ptyconf.registry import Registry

ARCHITECTURES: Registry[Any] = Registry(
    "architecture",
    package="ptycho.network.architectures",
    attribute="ARCHITECTURE",
    entry_points="ptycho.architectures",
    setting="model.architecture",
)
LOSS_TERMS: Registry[Any] = Registry(
    "loss term",
    package="ptycho.training.loss_terms",
    attribute="LOSS_TERM",
    entry_points="ptycho.loss_terms",
)
SCHEDULERS: Registry[Any] = Registry(
    "scheduler",
    package="ptycho.training.schedulers",
    attribute="SCHEDULER",
    entry_points="ptycho.schedulers",
    setting="execution.scheduler",
)
LOGGERS: Registry[Any] = Registry(
    "logger",
    package="ptycho.training.loggers",
    attribute="LOGGER",
    entry_points="ptycho.loggers",
    setting="execution.logger_backend",
)
BACKENDS: Registry[Any] = Registry(
    "backend",
    package="ptycho.backends.libraries",
    attribute="BACKEND",
    entry_points="ptycho.backends",
    setting="training.backend",
)
FORMATS: Registry[Any] = Registry(
    "scan format", package="ptycho.scan.formats", attribute="FORMAT", entry_points="ptycho.formats"
)
PROBES: Registry[Any] = Registry(
    "probe", package="ptycho.optics.beams", attribute="PROBE", entry_points="ptycho.probes"
)
OBJECTS: Registry[Any] = Registry(
    "object", package="ptycho.simulate.objects", attribute="OBJECT", entry_points="ptycho.objects"
)
REPORT_SECTIONS: Registry[Any] = Registry(
    "report section",
    package="ptycho.report.sections",
    attribute="SECTION",
    entry_points="ptycho.report_sections",
)
OUTPUTS: Registry[Any] = Registry(
    "output",
    package="ptycho.report.outputs",
    attribute="OUTPUT",
    entry_points="ptycho.outputs",
    setting="inference.outputs",
)
COMMANDS: Registry[Any] = Registry(
    "command",
    package="ptycho.commands",
    attribute="COMMAND",
    entry_points="ptycho.commands",
    apart=("command", "failure", "main", "options", "parser", "trained", "training_folder"),
)

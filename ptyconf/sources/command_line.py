"""The walk over a command line that has flags of one schema alone."""

from __future__ import annotations

from ptyconf.merge.fault import Fault
from ptyconf.merge.hints import key_but_for_signs
from ptyconf.merge.origin import Origin
from ptyconf.schema.path import split_path
from ptyconf.schema.schema import Schema
from ptyconf.sources.flag_parser import Given
from ptyconf.sources.flag_words import HELP, PROFILE, FlagNames, is_switch, option_and_text, text_of_switch
from ptyconf.text.show import close_matches, nested_text, one_word


class CommandLine:
    """The walk over the words of a command line."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.names = FlagNames(schema, taken=(PROFILE, HELP))
        self.profile: str | None = None
        self.given: list[Given] = []
        self.faults: list[Fault] = []

    @property
    def asks_for_help(self) -> frozenset[str]:
        """The words that ask for help; a setting of the program itself may be called so."""
        return frozenset({"-h", HELP}.difference(self.names.options))

    def read(self, words: list[str]) -> None:
        """Take every flag with its text."""
        while words:
            word = words.pop(0)
            if word == "--":
                if words:
                    self.fault("words behind -- belong to no flag", "--", hint="leave out --")
                return
            option, text = option_and_text(word)
            path, off = self.names.meaning(option)
            if option == PROFILE and path is None:
                self.profile = self.following(words, option) if text is None else text
            elif path is None or (off and text is not None):
                self.refuse(word, option, path)
                if word.startswith("-") and text is None and words and not words[0].startswith("-"):
                    words.pop(0)  # what the flag was to be set to, perhaps a secret
            elif (value := self.text_of(path, off, text, words, option)) is not None:
                self.given.append(Given(len(self.given), path, value, option))

    def text_of(self, path: str, off: bool, text: str | None, words: list[str], option: str) -> str | None:
        """Give the text that a flag sets its place to: its own, that of a switch, or the word behind it."""
        if off:
            return "false"
        if text is not None:
            return text
        if is_switch(self.names.schema, path):
            return text_of_switch(words)
        return self.following(words, option)

    def following(self, words: list[str], option: str) -> str | None:
        """Take the word behind a flag."""
        if words and not words[0].startswith("--"):
            return words.pop(0)
        self.fault(f"the flag {option} has no value", option, hint=f"{option}=...")
        return None

    def refuse(self, word: str, option: str, path: str | None) -> None:
        """Note a word that means nothing, without a text that may be a secret.

        ``path`` is the switch that it turns off, where it says more than that.
        """
        if not word.startswith("-"):
            secret = bool(self.schema.secret_names) or len(word) > 40
            key = "argument" if secret else f"argument {word}"
            self.fault("a word that belongs to no flag", key, hint=self.after_a_switch())
        elif path is not None:
            self.fault(f"the flag {option} takes no value", option, hint=f"{option}, or --{path} true")
        else:
            several = self.schema.index.bare.get(option.removeprefix("--"), ())
            if len(several) > 1:
                meant = " or ".join(f"--{path}" for path in several)
                self.fault(f"the flag {option} may mean {meant}", option, hint=f"--{several[0]}")
                return
            same = key_but_for_signs(self.schema, option)
            known = [*self.names.options, *self.names.negated]
            near = close_matches(option, known) if same is None else [f"--{same}"]
            hint = self.text_of_whole(option) or (near[0] if near else max(self.asks_for_help, key=len))
            self.fault(f"unknown flag {option!r}", option, hint=hint)

    def text_of_whole(self, option: str) -> str:
        """Write a key below a setting of any value as the text of that; "" where there is no such."""
        slot, below = self.schema.index.holder(split_path(option.removeprefix("--"))) or (None, ())
        if slot is None or not slot.takes_any:
            return ""
        return f"--{slot.path} {one_word(nested_text(below, '...'))}"

    def after_a_switch(self) -> str:
        """Say what the switch before a word takes, "" where there is none."""
        before = self.given[-1] if self.given else None
        if before is None or not is_switch(self.schema, before.path):
            return ""
        return f"{before.spelled} true"

    def fault(self, text: str, key: str, *, hint: str = "") -> None:
        """Note one thing that is wrong."""
        self.faults.append(Fault(text, origin=Origin("flag", "command line", key), hint=hint))

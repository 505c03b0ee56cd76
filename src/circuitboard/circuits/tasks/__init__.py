"""Built-in tasks: behaviours that circuits have been sought for, made for a model's own tokenizer.

Each function draws ``n`` different pairs from a seed; a pair's prompts are of equal length in
tokens. The words are those of the corpus of ``names`` (:mod:`circuitboard.recipes.names.lexicon`),
as far as the model has each of them as one token.
"""

from circuitboard.circuits.tasks.agreement import agreement
from circuitboard.circuits.tasks.docstring import docstring
from circuitboard.circuits.tasks.greater_than import greater_than
from circuitboard.circuits.tasks.induction import induction
from circuitboard.circuits.tasks.ioi import ioi
from circuitboard.circuits.tasks.modular_addition import modular_addition
from circuitboard.circuits.tasks.pronouns import pronouns

#: All of them by name, as the command line takes them.
BUILT_IN = {
    "agreement": agreement,
    "docstring": docstring,
    "greater_than": greater_than,
    "induction": induction,
    "ioi": ioi,
    "modular_addition": modular_addition,
    "pronouns": pronouns,
}

__all__ = [
    "BUILT_IN",
    "agreement",
    "docstring",
    "greater_than",
    "induction",
    "ioi",
    "modular_addition",
    "pronouns",
]

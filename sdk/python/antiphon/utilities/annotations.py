"""Wrappers that say how an argument of a task is to be treated, and two for values that are not to be altered."""

from antiphon.annotations import BaseAnnotation, NotSet, Quote, allow_failure, freeze, opaque, quote, unmapped

__all__ = ["BaseAnnotation", "NotSet", "Quote", "allow_failure", "freeze", "opaque", "quote", "unmapped"]

"""Typed inputs of flow runs: what a run waits for, is sent, and answers.

class Number(RunInput):
    number: int

for number in Number.receive(timeout=60):
    number.respond(Number(number=number.number ** 2))
"""

from collections.abc import Set as AbstractSet
from inspect import isclass
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeAlias, TypeVar
from uuid import UUID, uuid4

import pydantic
from pydantic import ConfigDict, PrivateAttr

from antiphon.engine.dual import Work, awaitable, dual, work_of
from antiphon.input.actions import (
    SENDER_PREFIX,
    FlowRunInput,
    create_flow_run_input,
    create_flow_run_input_from_model,
    ensure_flow_run_id,
    read_flow_run_input,
)
from antiphon.input.receiving import GetAutomaticInputHandler, GetInputHandler

__all__ = [
    "AutomaticRunInput",
    "BaseRunInput",
    "GetAutomaticInputHandler",
    "GetInputHandler",
    "Keyset",
    "RunInput",
    "RunInputMetadata",
    "asend_input",
    "keyset_from_base_key",
    "keyset_from_paused_state",
    "receive_input",
    "run_input_subclass_from_type",
    "send_input",
]

T = TypeVar("T")
R = TypeVar("R", bound="BaseRunInput")

#: The keys under which something that is asked for is described and answered.
Keyset: TypeAlias = dict[Literal["description", "response", "schema"], str]


def keyset_from_paused_state(state: Any) -> Keyset:
    """Return the keys that belong to the pause of a state. Raises RuntimeError for a state that is not PAUSED.

    The answer lies under the pause's own key; the schema is in the state too.
    """
    if not state.is_paused():
        raise RuntimeError(f"A state that is {state.type.value} asks for no input; a PAUSED one may.")
    key = state.state_details.pause_key or str(state.id)
    return {**keyset_from_base_key(key), "response": key}


def keyset_from_base_key(base_key: str) -> Keyset:
    """Return the keys that are made of a base key."""
    return {
        "description": f"{base_key}-description",
        "response": f"{base_key}-response",
        "schema": f"{base_key}-schema",
    }


class RunInputMetadata(pydantic.BaseModel):
    """Where an input came from: its key, who told it, and the flow run that was told."""

    key: str
    sender: str | None = None
    receiver: UUID


class BaseRunInput(pydantic.BaseModel):
    """What inputs have in common."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    _description: str | None = PrivateAttr(default=None)
    _metadata: RunInputMetadata = PrivateAttr()

    @property
    def metadata(self) -> RunInputMetadata:
        """Where this input came from. Raises AttributeError for one that was not received."""
        return self._metadata

    @classmethod
    def keyset_from_type(cls) -> Keyset:
        """Return the keys that are made of the class's name."""
        return keyset_from_base_key(cls.__name__.lower())

    @classmethod
    @dual
    def save(cls, keyset: Keyset, flow_run_id: UUID | str | None = None) -> Work[None]:
        """Tell a flow run the schema of this class, and its description, for whoever is to answer."""
        create = work_of(create_flow_run_input)
        yield from create(keyset["schema"], cls.model_json_schema(), flow_run_id)
        description = description_of(cls)
        if description:
            yield from create(keyset["description"], description, flow_run_id)

    asave = classmethod(awaitable(save))

    @classmethod
    @dual
    def load(cls, keyset: Keyset, flow_run_id: UUID | str | None = None) -> Work[Any]:
        """Return the answer under the keyset's `response`; where there is none, what the defaults say.

        Raises Pydantic's ValidationError.
        """
        return (yield from cls._loaded(keyset, flow_run_id))

    aload = classmethod(awaitable(load))

    @classmethod
    def _loaded(cls, keyset: Keyset, flow_run_id: UUID | str | None) -> Work[Self]:
        run_id = ensure_flow_run_id(flow_run_id)
        value = yield from work_of(read_flow_run_input)(keyset["response"], run_id)
        instance = cls.model_validate(value or {})
        instance._metadata = RunInputMetadata(key=keyset["response"], receiver=run_id)
        return instance

    @classmethod
    def load_from_flow_run_input(cls, flow_run_input: FlowRunInput) -> Self:
        """Return what an input of a flow run says. Raises Pydantic's ValidationError."""
        instance = cls.model_validate(flow_run_input.decoded_value)
        instance._metadata = RunInputMetadata(
            key=flow_run_input.key, sender=flow_run_input.sender, receiver=flow_run_input.flow_run_id
        )
        return instance

    @classmethod
    def with_initial_data(cls, description: str | None = None, **kwargs: Any) -> type[Self]:
        """Return a subclass with these defaults, and a description for whoever is to answer. Both are in its schema."""
        fields = {name: _with_default(cls.model_fields.get(name), value) for name, value in kwargs.items()}
        model: Any = pydantic.create_model(cls.__name__, __base__=cls, __doc__=description, **fields)
        if description is not None:
            model._description = description
        return model  # type: ignore[no-any-return]

    @dual
    def respond(self, run_input: "RunInput", sender: str | None = None, key_prefix: str | None = None) -> Work[None]:
        """Send something to the flow run that sent this. Raises RuntimeError where no flow run has sent it."""
        told_by = self.metadata.sender or ""
        if not told_by.startswith(SENDER_PREFIX):
            raise RuntimeError("Cannot respond to an input that was not sent by a flow run.")
        yield from _sent(run_input, told_by.removeprefix(SENDER_PREFIX), sender, key_prefix)

    arespond = awaitable(respond)

    @dual
    def send_to(self, flow_run_id: UUID | str, sender: str | None = None, key_prefix: str | None = None) -> Work[None]:
        """Send this to a flow run. Raises as `send_input`."""
        yield from _sent(self, flow_run_id, sender, key_prefix)

    asend_to = awaitable(send_to)


class RunInput(BaseRunInput):
    """Base of the inputs that flows declare."""

    @classmethod
    def receive(
        cls,
        timeout: float | None = 3600,
        poll_interval: float = 10,
        raise_timeout_error: bool = False,
        exclude_keys: AbstractSet[str] | None = None,
        key_prefix: str | None = None,
        flow_run_id: UUID | str | None = None,
    ) -> GetInputHandler[Self]:
        """Return an iterator over inputs of this class, as `receive_input` does."""
        prefix = key_prefix if key_prefix is not None else _default_prefix(cls)
        return GetInputHandler(cls, prefix, timeout, poll_interval, raise_timeout_error, exclude_keys, flow_run_id)

    @classmethod
    def subclass_from_base_model_type(cls, model_cls: type[pydantic.BaseModel]) -> type["RunInput"]:
        """Return a class that is both a RunInput and the given model."""
        return type(f"{model_cls.__name__}RunInput", (RunInput, model_cls), {})


class AutomaticRunInput(BaseRunInput, Generic[T]):
    """An input that is no model of its own: a value."""

    value: T

    @classmethod
    @dual
    def load(cls, keyset: Keyset, flow_run_id: UUID | str | None = None) -> Work[Any]:
        """Return the value under the keyset's `response`. Raises Pydantic's ValidationError."""
        instance = yield from cls._loaded(keyset, flow_run_id)
        return instance.value

    aload = classmethod(awaitable(load))

    @classmethod
    def subclass_from_type(cls, _type: Any) -> type["AutomaticRunInput[Any]"]:
        """Return a class for values of a type. Those of `list[int]` are found where `list` is asked for."""
        name = getattr(_type, "__name__", getattr(_type, "_name", None)) or ""
        fields: Any = {"value": (_type, ...)}
        model: type[AutomaticRunInput[Any]] = pydantic.create_model(
            f"{name.lower()}AutomaticRunInput", __base__=AutomaticRunInput, **fields
        )
        return model

    @classmethod
    def receive(
        cls,
        timeout: float | None = 3600,
        poll_interval: float = 10,
        raise_timeout_error: bool = False,
        exclude_keys: AbstractSet[str] | None = None,
        key_prefix: str | None = None,
        flow_run_id: UUID | str | None = None,
        with_metadata: bool = False,
    ) -> GetAutomaticInputHandler[Any]:
        """Return an iterator over values, as `receive_input` does."""
        return GetAutomaticInputHandler(
            cls,
            key_prefix or _default_prefix(cls),
            timeout,
            poll_interval,
            raise_timeout_error,
            exclude_keys,
            flow_run_id,
            with_metadata=with_metadata,
        )


def run_input_subclass_from_type(_type: Any) -> Any:
    """Return the class of inputs for a type: a RunInput as it is, of another Pydantic model a class that is both, of
    any other type an AutomaticRunInput. Raises TypeError for what is no type."""
    if isclass(_type) and issubclass(_type, BaseRunInput):
        return _type
    if isclass(_type) and issubclass(_type, pydantic.BaseModel):
        return RunInput.subclass_from_base_model_type(_type)
    try:
        return AutomaticRunInput.subclass_from_type(_type)
    except pydantic.errors.PydanticUserError as error:
        raise TypeError(f"Inputs have a type, such as int or a Pydantic model. {_type!r} is none: {error}") from error


@dual
def send_input(
    run_input: Any, flow_run_id: UUID | str, sender: str | None = None, key_prefix: str | None = None
) -> Work[None]:
    """Send a RunInput, another Pydantic model or a value that JSON can say to a flow run, in whatever state it is.

    It receives it with `receive_input` of the same type. In a flow the sender is by default its run, so that the
    receiver can respond. Where an event loop runs this gives a coroutine. Raises ObjectNotFound for an unknown run,
    SerializationError, ServerError for more than 512 KiB.
    """
    yield from _sent(run_input, flow_run_id, sender, key_prefix)


asend_input = awaitable(send_input)


def receive_input(
    input_type: Any,
    timeout: float | None = 3600,
    poll_interval: float = 10,
    raise_timeout_error: bool = False,
    exclude_keys: AbstractSet[str] | None = None,
    key_prefix: str | None = None,
    flow_run_id: UUID | str | None = None,
    with_metadata: bool = False,
) -> Any:
    """Return an iterator, for `for` and `async for`, over what a flow run is told of a type: first what it was told
    before, then each input the moment it comes, each once.

    `timeout` in seconds is how long each one is waited for; None waits for ever. Then the iteration ends, or raises
    TimeoutError with `raise_timeout_error`. `poll_interval` has no effect, since nobody polls. Inputs of `exclude_keys`
    are passed over. Without `flow_run_id` it is the run in progress; outside of any this raises MissingContextError (a
    RuntimeError). An input that does not fit the type raises Pydantic's ValidationError, and the next one follows.
    """
    input_class = run_input_subclass_from_type(input_type)
    options = (timeout, poll_interval, raise_timeout_error, exclude_keys, key_prefix, flow_run_id)
    if issubclass(input_class, AutomaticRunInput):
        return input_class.receive(*options, with_metadata=with_metadata)
    return input_class.receive(*options)


def description_of(input_class: type[BaseRunInput]) -> str | None:
    """What `with_initial_data` was told."""
    description = getattr(input_class, "_description", None)
    return description if isinstance(description, str) else None


def _default_prefix(input_class: type[BaseRunInput]) -> str:
    return f"{input_class.__name__.lower()}-auto"


def _with_default(field: Any, value: Any) -> Any:
    """A field's definition with another default; what it demands of values stays."""
    if field is None:
        return type(value), value
    known = pydantic.Field(default=value, title=field.title, description=field.description, alias=field.alias)
    return Annotated[field.annotation, known, *field.metadata], value


def _sent(run_input: Any, flow_run_id: UUID | str, sender: str | None, key_prefix: str | None) -> Work[None]:
    input_class = run_input_subclass_from_type(type(run_input))
    if isinstance(run_input, BaseRunInput):
        model = run_input
    elif isinstance(run_input, pydantic.BaseModel):
        model = input_class.model_validate(run_input.model_dump(by_alias=True))
    else:
        model = input_class(value=run_input)
    prefix = key_prefix if key_prefix is not None else _default_prefix(type(model))
    yield from work_of(create_flow_run_input_from_model)(f"{prefix}-{uuid4()}", model, flow_run_id, sender)

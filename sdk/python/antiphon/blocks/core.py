"""Blocks: values kept on the server under names, typed by Pydantic. Secret ones are encrypted there.

class Login(Block):
    user: str
    password: SecretStr

Login(user="ann", password="...").save("prod")
Login.load("prod").password.get_secret_value()
"""

from abc import ABC
from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeGuard
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from antiphon.blocks import class_keys, describing, dumping, loading, storing
from antiphon.blocks.annotations import classes_in, key_of, secret_fields
from antiphon.blocks.errors import BlockNotSavedError, InvalidBlockRegistration, UnknownBlockType
from antiphon.engine.dual import Work, aperform, perform
from antiphon.given_clients import AnyClient

__all__ = [
    "Block",
    "BlockNotSavedError",
    "InvalidBlockRegistration",
    "UnknownBlockType",
    "block_schema_to_key",
    "schema_extra",
]


def block_schema_to_key(schema: Any) -> str:
    """Return the key by which the class of a schema is found: the slug of its type."""
    block_type = getattr(schema, "block_type", None)
    return str(block_type.slug if block_type is not None else schema.block_type_slug)


def schema_extra(schema: dict[str, Any], model: type["Block"]) -> None:
    """Add to a block class's JSON schema what the server needs: slug, paths of secrets, the blocks in its fields."""
    schema["block_type_slug"] = model.get_block_type_slug()
    schema["secret_fields"] = secret_fields(model)
    references: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        slugs = [each.get_block_type_slug() for each in classes_in(field.annotation) if Block.is_block_class(each)]
        found = [{"block_type_slug": slug} for slug in dict.fromkeys(slugs)]
        if found:
            references[key_of(name, field)] = found if len(found) > 1 else found[0]
    schema["block_schema_references"] = references
    for place, each in enumerate(schema.get("properties", {}).values()):
        each["position"] = place


class Block(BaseModel, ABC):
    """The base of all blocks. Subclasses have fields as any Pydantic model.

    `client` of the methods is that of another server than the configured one. The `a` twins are the same for async
    code; those without give a coroutine there, too.
    """

    model_config = ConfigDict(extra="allow", json_schema_extra=schema_extra)

    #: What people call the type; the class's name unless set.
    _block_type_name: ClassVar[str | None] = None
    #: What names of blocks begin with; made of the type's name unless set.
    _block_type_slug: ClassVar[str | None] = None
    _logo_url: ClassVar[Any] = None
    _documentation_url: ClassVar[Any] = None
    _description: ClassVar[str | None] = None
    _code_example: ClassVar[str | None] = None
    #: What blocks of the class can do, beside what those of its bases can.
    _block_schema_capabilities: ClassVar[list[str] | None] = None
    _block_schema_version: ClassVar[str | None] = None
    _is_base_block: ClassVar[bool] = True

    _block_type_id: UUID | None = None
    _block_schema_id: UUID | None = None
    _block_document_id: UUID | None = None
    _block_document_name: str | None = None
    _is_anonymous: bool | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        slug = kwargs.get(storing.SLUG)
        return super().__new__(cls._class_for(slug) if isinstance(slug, str) else cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.block_initialization()

    def __str__(self) -> str:
        return repr(self)

    def block_initialization(self) -> None:
        """Is called once a block has its values. Override it to prepare what the block needs."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if cls.__pydantic_generic_metadata__["origin"] is None:
            class_keys.remember(cls.get_block_type_slug(), cls)

    @model_validator(mode="wrap")
    @classmethod
    def _block_from_values(cls, value: Any, handler: Callable[[Any], Any]) -> Any:
        """Has values that say their type become a block of that, which knows what it is called."""
        if not isinstance(value, dict) or not value.keys() & {storing.SLUG, storing.IDENTITY}:
            return handler(value)
        slug, document = value.get(storing.SLUG), value.get(storing.IDENTITY)
        values = {key: each for key, each in value.items() if key not in (storing.SLUG, storing.IDENTITY)}
        kind = cls._class_for(slug) if isinstance(slug, str) else cls
        block = handler(values) if kind is cls else kind.model_validate(values)
        if document is not None:
            storing.identify(block, document)
        return block

    @classmethod
    def _class_for(cls, slug: str) -> type[Self]:
        """The class for values of a type, here. Raises UnknownBlockType; ValueError for one that is no such block."""
        if cls.get_block_type_slug() == slug:
            return cls
        kind: type[Self] = class_keys.class_of(slug)
        if not issubclass(kind, cls):
            raise ValueError(f"A block of the type {slug!r} stands where a {cls.__name__} is needed.")
        return kind

    @model_serializer(mode="wrap")
    def _block_to_values(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
        context = info.context if isinstance(info.context, dict) else {}
        saving = context.get(storing.SAVING)
        if saving is not None and saving is not self and self._block_document_id is not None:
            return {"$ref": {"block_document_id": str(self._block_document_id)}}
        dumped = handler(self)
        if context.get("include_secrets"):
            dumped = dumping.Telling(info).fields(self, dumped)
        return {**dumped, storing.SLUG: self.get_block_type_slug()}

    @classmethod
    def model_json_schema(
        cls,
        by_alias: bool | None = True,
        ref_template: str = "#/definitions/{model}",
        schema_generator: type[GenerateJsonSchema] = GenerateJsonSchema,
        mode: JsonSchemaMode = "validation",
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Return the JSON schema, with `block_type_slug`, `secret_fields` and `block_schema_references`."""
        schema = super().model_json_schema(by_alias is not False, ref_template, schema_generator, mode, **kwargs)
        if "$defs" in schema:
            schema["definitions"] = schema.pop("$defs")
        own = schema.pop("$ref", None)
        if own is not None:  # It is part of itself.
            schema |= schema["definitions"][own.rpartition("/")[2]]
        schema.setdefault("properties", {})
        return schema

    @classmethod
    def get_block_type_name(cls) -> str:
        """Return what people call the type."""
        return cls._block_type_name or _origin(cls).__name__

    @classmethod
    def get_block_type_slug(cls) -> str:
        """Return what names of blocks of this type begin with."""
        return describing.slug_of(cls)

    @classmethod
    def get_block_capabilities(cls) -> frozenset[str]:
        """Return what blocks of the class can do, such as `read-path`."""
        return frozenset(
            each for base in cls.__mro__ for each in getattr(base, "_block_schema_capabilities", None) or ()
        )

    @classmethod
    def get_block_schema_version(cls) -> str:
        """Return the version of the class's package, or `non-versioned`."""
        return describing.version_of(cls)

    @classmethod
    def get_description(cls) -> str | None:
        """Return the description that was set, or that of the docstring."""
        return describing.description_of(_origin(cls))

    @classmethod
    def get_code_example(cls) -> str | None:
        """Return the example that was set, or that of the docstring, or one that loads a block."""
        return describing.example_of(_origin(cls))

    @classmethod
    def get_block_class_from_schema(cls, schema: Any) -> type[Self]:
        """Return the class of a schema. Raises UnknownBlockType."""
        return cls.get_block_class_from_key(block_schema_to_key(schema))

    @classmethod
    def get_block_class_from_key(cls, key: str) -> type[Self]:
        """Return the class of a type, by its slug. Raises UnknownBlockType."""
        kind: type[Self] = class_keys.class_of(key)
        return kind

    @staticmethod
    def is_block_class(block: Any) -> TypeGuard[type["Block"]]:
        """Return whether something is a block class (a block is none)."""
        return isinstance(block, type) and issubclass(block, Block)

    @staticmethod
    def annotation_refers_to_block_class(annotation: Any) -> bool:
        """Return whether a block class is part of an annotation."""
        return any(map(Block.is_block_class, classes_in(annotation)))

    def get_block_placeholder(self) -> str:
        """Return what stands for the block in templates. Raises BlockNotSavedError."""
        if self._block_document_name is None or self._is_anonymous:
            raise BlockNotSavedError("Only a block that was saved under a name has a placeholder: save it first.")
        return f"antiphon.blocks.{self.get_block_type_slug()}.{self._block_document_name}"

    @classmethod
    def register_type_and_schema(cls, client: AnyClient = None) -> None:
        """Have the server know the class; saving a block does so by itself. Raises InvalidBlockRegistration."""
        return perform(_nothing(storing.register(cls, client)))  # type: ignore[no-any-return]  # None, or a coroutine

    @classmethod
    async def aregister_type_and_schema(cls, client: AnyClient = None) -> None:
        """The same, as a coroutine."""
        await aperform(_nothing(storing.register(cls, client)))

    def save(self, name: str | None = None, overwrite: bool = False, client: AnyClient = None) -> UUID:
        """Keep the block on the server and return its id.

        Blocks in its fields that were saved are kept as references to them, others as part of this one. Without a name
        it is saved under the one that it has. Raises ValueError for a name that is missing, wrong, or taken (unless
        `overwrite`), ServerError.
        """
        id: UUID = perform(storing.save(self, name, is_anonymous=False, overwrite=overwrite, client=client))
        return id

    async def asave(self, name: str | None = None, overwrite: bool = False, client: AnyClient = None) -> UUID:
        """The same, as a coroutine."""
        return await aperform(storing.save(self, name, is_anonymous=False, overwrite=overwrite, client=client))

    @classmethod
    def load(cls, name: str, validate: bool = True, client: AnyClient = None) -> Self:
        """Return a saved block, secrets included.

        `Login.load("prod")`, or `Block.load("login/prod")` where the class follows from the name. Where the values no
        longer fit the class this raises RuntimeError; with `validate=False` it warns, and fields may be None or have
        other types. Raises BlockNotFound (a ValueError), UnknownBlockType, ServerError.
        """
        block: Self = perform(loading.loaded(cls, loading.request(cls, name), validate, client))
        return block

    @classmethod
    async def aload(cls, name: str, validate: bool = True, client: AnyClient = None) -> Self:
        """The same, as a coroutine."""
        return await aperform(loading.loaded(cls, loading.request(cls, name), validate, client))

    @classmethod
    def load_from_ref(cls, ref: str | UUID | dict[str, Any], validate: bool = True, client: AnyClient = None) -> Self:
        """Return a saved block by its id, by `type/name`, or by a dict with `block_document_id` or
        `block_document_slug`. Raises as `load`."""
        block: Self = perform(loading.loaded(cls, loading.request_by_ref(ref), validate, client))
        return block

    @classmethod
    async def aload_from_ref(
        cls, ref: str | UUID | dict[str, Any], validate: bool = True, client: AnyClient = None
    ) -> Self:
        """The same, as a coroutine."""
        return await aperform(loading.loaded(cls, loading.request_by_ref(ref), validate, client))

    @classmethod
    def delete(cls, name: str, client: AnyClient = None) -> None:
        """Delete a saved block; names are those of `load`.

        Raises BlockNotFound, and ServerError for one that is part of another.
        """
        return perform(storing.delete(*loading.full_name(cls, name), client))  # type: ignore[no-any-return]  # or a coroutine

    @classmethod
    async def adelete(cls, name: str, client: AnyClient = None) -> None:
        """The same, as a coroutine."""
        await aperform(storing.delete(*loading.full_name(cls, name), client))


def _origin(kind: Any) -> Any:
    """The class itself where `kind` is a parametrized one, such as Secret[int]."""
    return kind.__pydantic_generic_metadata__["origin"] or kind


def _nothing(work: Work[Any]) -> Work[None]:
    yield from work

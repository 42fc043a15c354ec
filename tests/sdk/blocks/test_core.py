"""Blocks: saved, loaded, nested, secret; and what is said to who uses them wrongly."""

import asyncio
import json
import pickle
import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel, Field, SecretBytes, SecretStr, ValidationError

from antiphon.blocks.core import (
    Block,
    BlockNotSavedError,
    InvalidBlockRegistration,
    UnknownBlockType,
    block_schema_to_key,
)
from antiphon.blocks.system import Secret as SystemSecret
from antiphon.exceptions import BlockNotFound, ObjectNotFound, ServerError
from antiphon.service_client import ServiceClient
from antiphon.types import SecretDict
from antiphon.v1.block_service_pb2 import (
    GetBlockDocumentRequest,
    GetBlockSchemaRequest,
    GetBlockTypeRequest,
    ListBlockSchemasRequest,
)
from kinds import Kind
from running_server import RunningServer
from stored import Stored


class Login(Block):
    """Opens a door.

    Attributes:
        user: Who.

    Example:
        ```python
        Login.load("front").open()
        ```
    """

    user: str
    password: SecretStr
    port: int = 5432


class Shape(Block, ABC):
    @abstractmethod
    def area(self) -> int: ...


class Square(Shape):
    side: int
    key: SecretStr = SecretStr("square-secret")

    def area(self) -> int:
        return self.side**2


class Cloud(BaseModel):
    token: SecretStr
    region: str = "eu"


class House(Block):
    _block_type_name = "Big House"
    _logo_url = "https://example.com/house.png"

    door: Login
    doors: list[Login] = Field(default_factory=list)
    by_name: dict[str, Login] = Field(default_factory=dict)
    either: Login | str = "none"
    headers: SecretDict = SecretDict({})
    raw: SecretBytes = SecretBytes(b"")
    words: list[SecretStr] = Field(default_factory=list)
    cloud: Cloud | None = None
    shape: Shape | None = None
    renamed: int = Field(default=1, alias="re-named")


def full_house(door: Login) -> House:
    return House(
        door=door,
        doors=[door, Login(user="in-list", password="secret-in-list")],
        by_name={"a.b": Login(user="in-dict", password="secret-in-dict")},
        either=Login(user="in-union", password="secret-in-union"),
        headers={"token": "secret-in-headers", "deep": {"n": 1}},
        raw=b"secret-raw",
        words=["secret-word"],
        cloud={"token": "secret-in-model"},
        shape=Square(side=3, key="secret-of-abstract"),
        **{"re-named": 7},
    )


def shown(stored: Stored, block: Block) -> dict[str, Any]:
    """The values as the server tells them to who asks for no secrets."""
    request = GetBlockDocumentRequest(id=str(block._block_document_id))
    answer = stored.client.call(stored.client.blocks.GetBlockDocument, request)
    values: dict[str, Any] = json.loads(answer.block_document.data)
    return values


def test_a_block_is_saved_and_loaded(stored: Stored, kind: Kind) -> None:
    @kind.function
    def life() -> Any:
        name = f"front-{kind}"
        id = yield Login(user="ann", password="pw").save(name)
        loaded = yield Login.load(name)
        assert (type(loaded), loaded.user, loaded.password.get_secret_value()) == (Login, "ann", "pw")
        assert (loaded._block_document_id, loaded._block_document_name, loaded._is_anonymous) == (id, name, False)
        yield Login(user="bob", password="pw2").save(name, overwrite=True)
        for again in (
            (yield Block.load(f"login/{name}")),
            (yield Login.load(f"login/{name}")),
            (yield Block.load_from_ref(id)),
            (yield Block.load_from_ref(str(id))),
            (yield Login.load_from_ref({"block_document_id": str(id)})),
            (yield Block.load_from_ref({"block_document_slug": f"login/{name}"})),
            (yield Block.load_from_ref(f"login/{name}")),
        ):
            assert (type(again), again.user, again._block_document_id) == (Login, "bob", id)
        yield Login.delete(name)
        with pytest.raises(BlockNotFound):
            yield Login.load(name)
        yield Login.register_type_and_schema()

    kind.call(life)


def test_the_twins_are_coroutines_anywhere(stored: Stored) -> None:
    async def life() -> None:
        block = Login(user="ann", password="pw")
        id = await block.asave("twin")
        assert (await Login.aload("twin")).user == (await Block.aload_from_ref(id)).user == "ann"
        await Login.aregister_type_and_schema()
        await Block.adelete("login/twin")

    asyncio.run(life())


def test_blocks_work_in_flows_and_tasks(stored: Stored, kind: Kind) -> None:
    Login(user="ann", password="pw").save(f"in-flow-{kind}", overwrite=True)

    @kind.task()
    def who(login: Login) -> Any:
        loaded = yield Login.load(f"in-flow-{kind}")
        return loaded.user + login.user

    @kind.flow()
    def knock() -> Any:
        login = yield Block.load(f"login/in-flow-{kind}")
        return (yield who(login))

    assert kind.call(knock) == "annann"


def test_no_secret_is_told_wherever_it_stands(stored: Stored) -> None:
    door = Login(user="ann", password="secret-of-door")
    door.save("door", overwrite=True)
    house = full_house(door)
    house.save("house", overwrite=True)
    values = shown(stored, house)
    assert "secret-" not in json.dumps(values).replace("block_type_slug", "")
    assert values["door"] == values["doors"][0] == {"$ref": {"block_document_id": str(door._block_document_id)}}
    assert values["doors"][1] == {
        "user": "in-list",
        "password": "********",
        "port": 5432,
        "block_type_slug": "login",
    }
    assert values["headers"] == {"token": "********", "deep": "********"}
    assert (values["re-named"], values["cloud"]["region"]) == (7, "eu")
    for text in (repr(house), str(house), json.dumps(house.model_dump(mode="json"))):
        assert "secret-" not in text


def test_what_is_loaded_equals_what_was_saved(stored: Stored) -> None:
    door = Login(user="ann", password="secret-of-door")
    door.save("door", overwrite=True)
    house = full_house(door)
    house.save("equal-house", overwrite=True)
    loaded = House.load("equal-house")
    assert loaded.model_dump(context={"include_secrets": True}) == house.model_dump(context={"include_secrets": True})
    assert isinstance(loaded.shape, Square) and loaded.shape.area() == 9
    assert loaded.shape.key.get_secret_value() == "secret-of-abstract"
    assert loaded.raw.get_secret_value() == b"secret-raw"
    assert (loaded.door._block_document_name, loaded.doors[1]._block_document_name) == ("door", None)
    # A part is a reference: it changes with the block that it is.
    Login(user="new", password="p").save("door", overwrite=True)
    assert House.load("equal-house").door.user == "new"


def test_a_loaded_block_is_saved_under_its_own_name(stored: Stored) -> None:
    Login(user="ann", password="pw").save("own-name", overwrite=True)
    loaded = Login.load("own-name")
    loaded.user = "bob"
    with pytest.raises(ValueError, match="overwrite=True"):
        loaded.save()
    loaded.save(overwrite=True)
    assert (Login.load("own-name").user, Login.load("own-name").password.get_secret_value()) == ("bob", "pw")


def test_the_server_knows_type_and_schema(stored: Stored) -> None:
    House.register_type_and_schema()
    House.register_type_and_schema()
    blocks = stored.client.blocks
    found = stored.client.call(blocks.GetBlockType, GetBlockTypeRequest(slug="big-house")).block_type
    assert (found.name, found.logo_url, found.is_protected) == ("Big House", "https://example.com/house.png", False)
    assert 'House.load("BLOCK_NAME")' in found.code_example
    login = stored.client.call(blocks.GetBlockType, GetBlockTypeRequest(slug="login")).block_type
    assert login.description == "Opens a door."
    assert login.code_example == '```python\nLogin.load("front").open()\n```'
    request = ListBlockSchemasRequest(filter='block_type_slug = "big-house"')
    [schema] = stored.client.call(blocks.ListBlockSchemas, request).block_schemas
    assert json.loads(schema.fields)["secret_fields"] == [
        *("door.password", "doors.password", "by_name.*.password", "either.password", "headers.*", "raw", "words"),
        "cloud.token",
    ]
    again = stored.client.call(blocks.GetBlockSchema, GetBlockSchemaRequest(checksum=schema.checksum)).block_schema
    assert again.id == schema.id
    assert (block_schema_to_key(schema), Block.get_block_class_from_schema(schema)) == ("big-house", House)


def test_classes_say_what_they_are() -> None:
    class Named(Block):
        _block_type_name = "Das ist größer, Ann's!"
        _block_schema_capabilities: ClassVar[list[str] | None] = ["one"]
        _block_schema_version = "3"

    class Below(Named):
        _block_type_slug = "Be Low"
        _block_schema_capabilities: ClassVar[list[str] | None] = ["two"]

    assert (Named.get_block_type_slug(), Below.get_block_type_slug()) == ("das-ist-groer-anns", "be-low")
    assert (Named.get_block_capabilities(), Below.get_block_capabilities()) == ({"one"}, {"one", "two"})
    assert (Below.get_block_schema_version(), Login.get_block_schema_version()) == ("3", "non-versioned")
    assert Block.is_block_class(Login) and not Block.is_block_class(Login(user="", password=""))
    assert Block.annotation_refers_to_block_class(dict[str, Login | None])
    assert not Block.annotation_refers_to_block_class(dict[str, int])
    with pytest.raises(InvalidBlockRegistration, match="No slug can be made of '!!!'"):
        type("Nameless", (Block,), {"_block_type_name": "!!!"})


def test_values_that_say_their_type_become_that_block() -> None:
    made = Block(block_type_slug="square", side=2)
    assert isinstance(made, Square) and made.side == 2
    assert isinstance(Shape.model_validate({"block_type_slug": "square", "side": 2}), Square)
    with pytest.raises(ValidationError, match="type 'login' stands where a Shape is needed"):
        Shape.model_validate({"block_type_slug": "login", "user": "x", "password": "y"})
    with pytest.raises(UnknownBlockType, match=r"No class for blocks of the type 'nonsense'.*Import the module"):
        Block.get_block_class_from_key("nonsense")


def test_initialization_is_called_once_wherever_a_block_is_made(stored: Stored) -> None:
    class Counting(Block):
        made: ClassVar[list[str]] = []
        name: str

        def block_initialization(self) -> None:
            self.made.append(self.name)

    class Around(Block):
        inner: Counting

    Counting(name="alone").save("counting", overwrite=True)
    Around.model_validate({"inner": {"name": "dict"}})
    Around(inner=Counting.load("counting")).save("around", overwrite=True)
    Around.load("around")
    assert Counting.made == ["alone", "dict", "alone", "alone"]


def test_blocks_are_copied_and_pickled_with_what_they_are_called(stored: Stored) -> None:
    block = Login(user="ann", password="pw")
    block.save("pickled", overwrite=True)
    for other in (pickle.loads(pickle.dumps(block)), block.model_copy()):
        assert (other, other._block_document_id) == (block, block._block_document_id)


def test_placeholders_are_for_saved_blocks(stored: Stored) -> None:
    block = Login(user="ann", password="pw")
    with pytest.raises(BlockNotSavedError, match="save it first"):
        block.get_block_placeholder()
    block.save("placed", overwrite=True)
    assert block.get_block_placeholder() == "antiphon.blocks.login.placed"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("my_name", "'my-name'"), ("My Name!", "'my-name'"), ("a.b", "'a-b'"), ("ä", "digits and dashes")],
)
def test_a_wrong_name_is_told_with_one_that_is_right(name: str, hint: str) -> None:
    with pytest.raises(ValueError, match=f"cannot be the name of a block.*{hint}"):
        Login(user="", password="").save(name)


def test_a_block_needs_a_name_to_be_saved() -> None:
    with pytest.raises(ValueError, match=r"has no name yet: save it under one, as in block\.save\('my-block'\)"):
        Login(user="", password="").save()


def test_block_itself_is_no_type() -> None:
    for call in (Block.register_type_and_schema, lambda: Block().save("x")):
        with pytest.raises(InvalidBlockRegistration, match="Define a subclass"):
            call()


def test_a_block_that_is_not_there_is_told_with_close_names(stored: Stored) -> None:
    Login(user="ann", password="pw").save("garden-door", overwrite=True)
    with pytest.raises(ValueError, match="no block document login/garden-dor; did you mean garden-door") as caught:
        Login.load("garden-dor")
    assert isinstance(caught.value, ObjectNotFound) and "`antiphon block ls` shows" in str(caught.value)
    with pytest.raises(BlockNotFound, match="no block type logni; did you mean login"):
        Block.load("logni/garden-door")
    with pytest.raises(BlockNotFound, match="there is no block document"):
        Block.load_from_ref(uuid4())
    with pytest.raises(BlockNotFound):
        Login.delete("garden-dor")


@pytest.mark.parametrize(
    "call", [lambda: Block.load("front"), lambda: Block.delete("login/"), lambda: Block.load("/x")]
)
def test_a_name_without_its_type_is_told(call: Any) -> None:
    with pytest.raises(ValueError, match=r"does not say which type of block is meant\. Write 'type/name'"):
        call()


def test_a_name_of_another_type_is_told() -> None:
    with pytest.raises(ValueError, match=r"'square/x' is no block of the type 'login'\. Login takes the name alone"):
        Login.load("square/x")


@pytest.mark.parametrize("ref", [{"x": 1}, 5, None, "no id", {"block_document_id": "no id"}])
def test_a_reference_that_says_nothing_is_told(ref: Any) -> None:
    with pytest.raises(ValueError, match=r"says no block\. Give its id, 'type/name', or a dict"):
        Block.load_from_ref(ref)


def test_what_no_longer_fits_is_told_without_its_values(stored: Stored) -> None:
    class Before(Block):
        _block_type_slug = "changing"
        user: str
        secret: SecretStr

    Before(user="ann", secret="hunter2").save("changed", overwrite=True)

    class After(Block):
        _block_type_slug = "changing"
        user: str
        secret: int
        more: int

    with pytest.raises(
        RuntimeError, match=r"block changing/changed does not fit After.*more: Field required"
    ) as caught:
        After.load("changed")
    assert "validate=False" in str(caught.value)
    assert "hunter2" not in str(caught.value) and caught.value.__cause__ is None and caught.value.__suppress_context__
    with pytest.warns(UserWarning, match="was loaded as it is"):
        loaded = After.load("changed", validate=False)
    assert (loaded.user, loaded.more, loaded._block_document_name) == ("ann", None, "changed")
    loaded.more, loaded.secret = 1, 2
    loaded.save(overwrite=True)
    assert After.load("changed").more == 1


def test_a_part_of_another_block_is_not_deleted(stored: Stored) -> None:
    door = Login(user="ann", password="pw")
    door.save("part", overwrite=True)
    House(door=door).save("whole", overwrite=True)
    with pytest.raises(ServerError, match="is part of block document") as caught:
        Login.delete("part")
    assert caught.value.reason == "BLOCK_DOCUMENT_IN_USE"
    House.delete("whole")
    Login.delete("part")


def test_bytes_that_are_no_text_are_told(stored: Stored) -> None:
    class Raw(Block):
        value: SecretBytes

    with pytest.raises(Exception, match="only where they are UTF-8 text"):
        Raw(value=b"\xff").save("raw")


def test_a_block_may_be_part_of_its_like(stored: Stored) -> None:
    class Node(Block):
        name: str
        token: SecretStr = SecretStr("")
        below: "list[Node]" = Field(default_factory=list)

    Node(name="a", below=[Node(name="b", below=[Node(name="c", token="deep-secret")])]).save("tree", overwrite=True)
    tree = Node.load("tree")
    assert tree.below[0].below[0].token.get_secret_value() == "deep-secret"
    assert "deep-secret" not in json.dumps(shown(stored, tree))


def test_ids_are_uuids(stored: Stored) -> None:
    assert isinstance(Login(user="", password="").save("uuid", overwrite=True), UUID)


def test_importing_blocks_brings_no_server_and_no_database() -> None:
    code = (
        "import sys, antiphon.filesystems\n"
        "import antiphon.blocks.notifications, antiphon.blocks.redis, antiphon.blocks.webhook\n"
        "print([m for m in ('sqlalchemy', 'antiphon_server', 'apprise', 'httpx', 'redis', 'fsspec', 'smbclient')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.usefixtures("stored")
def test_a_client_chooses_the_server(tmp_path: Path) -> None:
    name = f"n-{uuid4().hex[:8]}"
    with RunningServer(tmp_path) as other, ServiceClient(other.target) as client:
        SystemSecret(value="x").save(name, client=client)
        with pytest.raises(BlockNotFound):
            SystemSecret.load(name)
        SystemSecret(value="y").save(name, overwrite=True, client=client)
        assert SystemSecret.load(name, client=client).get() == "y"
        SystemSecret.delete(name, client=client)
        with pytest.raises(BlockNotFound):
            SystemSecret.load(name, client=client)

"""Names for runs that were given none."""

import random
from typing import Final

#: The contract's.
MAX_RUN_NAME_LENGTH: Final = 500

# Not the module's own functions: user code may have seeded them, and its numbers must not change because of us.
_chance = random.SystemRandom()

_ADJECTIVES = """
able agile airy alert amber ample amused apt arctic ardent atomic autumn azure balmy beaming blithe bold brave bright
brisk bronze bubbly calm candid careful cheery chirpy civil classy clear clever cobalt coral cosmic cosy crafty
crimson crisp curious daring dapper deft dewy discreet docile dreamy dulcet eager earnest easy elated elegant emerald
eternal exact fabled fair famous fearless festive fiery fine fluent fluffy fond frank fresh frosty gallant gentle
gifted gilded glad gleeful golden graceful grand grateful handy happy hardy hearty helpful honest humble icy ideal
indigo jade jaunty jolly jovial keen kind lavish learned light limber lively loyal lucid lucky lunar mellow merry
mighty mild mindful misty modest mossy nimble noble opal open orderly patient peppy placid plucky polite prime proud
quaint quick quiet radiant rapid ready robust rosy ruby rustic sable sage sandy scenic serene sharp silent silver
sincere sleek smart snowy solar solid spirited spry stately steady stellar stoic sunny supple sweet swift tactful
tawny tender thrifty tidy tranquil trusty upbeat urban valiant velvet verdant vivid warm wary whimsical wise witty
zealous zesty
"""
_ANIMALS = """
aardvark albatross alpaca antelope armadillo auk axolotl badger barracuda bat bear beaver beetle bison bittern boar
bobcat bonobo buffalo bullfinch bustard buzzard camel capybara caracal caribou cassowary cat chamois cheetah
chinchilla chipmunk civet condor coot cormorant cougar coyote crab crane cricket crow cuckoo curlew deer dingo dipper
dolphin dormouse dove dragonfly duck dugong dunlin eagle echidna eel egret eland elk emu ermine falcon ferret finch
firefly flamingo fox gannet gazelle gecko gerbil gibbon giraffe gnu goat goldfinch goose gopher grebe grouse gull
guppy hare harrier hawk hedgehog heron hippo hoopoe hornbill horse husky ibex ibis iguana impala jackal jackdaw jaguar
jay jellyfish kestrel kingfisher kite kiwi koala koel lapwing lark lemming lemur leopard linnet lion lizard llama
lobster loris lynx macaw magpie mallard manatee mantis marlin marmot marten meerkat mole mongoose moose moth mouse
narwhal newt nightjar numbat nuthatch ocelot octopus okapi oriole oryx osprey otter owl oyster panda panther parrot
peacock pelican penguin pheasant pigeon pika pipit platypus plover polecat pony porpoise possum ptarmigan puffin puma
quail quokka rabbit raccoon raven ray redstart reindeer robin rook salmon sandpiper seahorse seal serval shearwater
sheep shrew siskin skink skua sloth sparrow squid squirrel starling stoat stork swallow swan swift tapir tarsier tern
thrush tiger toad toucan trout turtle vicuna viper vole wagtail wallaby walrus warbler weasel whale wigeon wolf wombat
woodcock woodpecker wren yak zebra zebu
"""
ADJECTIVES: Final = tuple(_ADJECTIVES.split())
ANIMALS: Final = tuple(_ANIMALS.split())


def generate_run_name() -> str:
    """Return a name such as `brisk-otter`. One pair of runs in forty thousand shares a name."""
    return f"{_chance.choice(ADJECTIVES)}-{_chance.choice(ANIMALS)}"


def task_run_name(task_name: str, dynamic_key: str | int | None = None) -> str:
    """Return the name of a task run: the task's with the key that tells its calls apart, or three random characters."""
    key = f"{_chance.randrange(16**3):03x}" if dynamic_key is None else str(dynamic_key)
    return f"{task_name[: MAX_RUN_NAME_LENGTH - 1 - len(key)]}-{key}"

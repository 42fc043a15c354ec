"""Runs that talk with each other: one receives inputs of a type and answers whoever has sent them.

For helpers that live as long as a flow, chats with a person, and steps that are told more while they run.

Prints:
    Seattle has 26.1 degrees in August
    nobody asks any more
"""

import asyncio

from vega_datasets import local_data

from antiphon import flow
from antiphon.input import RunInput
from antiphon.runtime import flow_run


class Question(RunInput):
    month: int


class Answer(RunInput):
    degrees: float


@flow
async def weather_desk(opened: "asyncio.Future[str]") -> None:
    weather = local_data.seattle_weather()
    opened.set_result(str(flow_run.id))
    async for question in Question.receive(timeout=1):
        mean = weather[weather.date.dt.month == question.month].temp_max.mean()
        await question.arespond(Answer(degrees=round(mean, 1)))
    print("nobody asks any more")


@flow
async def traveller(desk: str) -> None:
    await Question(month=8).asend_to(desk)
    answer = await anext(Answer.receive(timeout=30))
    print(f"Seattle has {answer.degrees} degrees in August")


@flow
async def main() -> None:
    opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    desk = asyncio.create_task(weather_desk(opened))
    await traveller(await opened)
    await desk


if __name__ == "__main__":
    asyncio.run(main())

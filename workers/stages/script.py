from workers.providers import llm
from workers.tools import Tools
from workers.work import SceneWork, Work


async def script(work: Work, tools: Tools) -> None:
    """What is said and shown in each scene."""
    options = work.options
    work.script = await llm.write_script(tools.llm, work.text, options.scenes, options.seed, work.call(scene=0))
    work.scenes = [SceneWork(index, text) for index, text in enumerate(work.script.scenes, start=1)]

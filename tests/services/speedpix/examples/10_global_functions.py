import asyncio
from simstudio.services import speedpix

output = speedpix.run(
    workflow_id="workflow-123",
    input={"prompt": "test"},
    client=None  # 可选,使用自定义客户端
)

async def main():
    return await speedpix.async_run(
        workflow_id="workflow-123",
        input={"prompt": "test"}
    )

async_output = asyncio.run(main())

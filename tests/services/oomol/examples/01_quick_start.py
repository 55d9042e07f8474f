import asyncio
from simstudio.services.oomol import AsyncOomolConnectClient as OomolConnectClient

async def main():
    async with OomolConnectClient(
        base_url="http://localhost:3000/api",
        api_token="your-api-token"
    ) as client:
        # �行任务并��结�
        result = await client.tasks.run({
            "manifest": "audio-lab::text-to-audio",
            "inputValues": {"text": "你好，世界"}
        })

        print(f"任务 ID: {result['task_id']}")
        print(f"结�: {result['result']}")

asyncio.run(main())

from simstudio.services.speedpix import Client

client = Client()  # 自动从环境变量读取配置

output = client.run("workflow-123", {
    "input": {
        "prompt": "test",
        "reference": "/path/to/ref.png",  # 支持绝对路径
    }
})

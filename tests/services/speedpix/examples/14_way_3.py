from simstudio.services.speedpix import Client

client = Client()

prediction = client.run("workflow-123", {
    "input": {
        "prompt": "test",
        "controlnet": "./control.jpg",  # ControlNet输入文件
    },
    "wait": False  # 不等待,立即返回
})

result = prediction.wait()  # 手动等待完成

from simstudio.services.speedpix import Client

client = Client()

# 创建预测
prediction = client.predictions.create(
    workflow_id="workflow-123",
    input={
        "prompt": "生成图片",
        "image": "./input.jpg",
    },
    alias_id="main"
)

# 获取预测状态
updated = client.predictions.get(prediction.id)
print(f"状态: {updated.status}")

# 等待完成
result = prediction.wait()

# 6.1, 6.2
result = prediction.wait(polling_interval=1.0)
updated = prediction.reload()

from pathlib import Path
from simstudio.services.speedpix import Client

client = Client()

# 上传本地文件
file1 = client.files.create("./image.jpg")

# 上传Path对象
file2 = client.files.create(Path("./image.jpg"))

# 上传文件对象
with open("./image.jpg", "rb") as f:
    file3 = client.files.create(f)

# 使用上传的文件
output = client.run(
    workflow_id="workflow-123",
    input={
        "image": file1.access_url,  # 使用文件URL
        "prompt": "处理图片",
    }
)

# FileOutput 方法
output['images'].save("result.png")  # 保存到本地
buffer = output['images'].read()  # 读取为bytes
url = str(output['images'])  # 获取URL字符串

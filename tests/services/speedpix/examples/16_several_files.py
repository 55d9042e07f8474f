from simstudio.services.speedpix import Client

def multi_file_example():
    client = Client()

    # 上传多个文件
    background_image = client.files.create("./background.jpg")
    mask_image = client.files.create("./mask.png")

    output = client.run("your-workflow-id", {
        "input": {
            "background_image": background_image.access_url,
            "mask_image": mask_image.access_url,
            "prompt": "替换背景",
        },
        "alias_id": "main",
    })

    if hasattr(output.get('images'), 'save'):
        output['images'].save("composite-result.png")

multi_file_example()

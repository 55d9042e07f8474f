from simstudio.services.speedpix import Client, PredictionError, SpeedPixException

client = Client()

try:
    output = client.run("workflow-id", input={"message": "节点失败"})
except PredictionError as e:
    print(f"预测错误: {e}")
    print(f"预测ID: {e.prediction.id}")
    print(f"错误详情: {e.prediction.error}")
except SpeedPixException as e:
    print(f"API错误: {e}")
    print(f"状态码: {e.status_code}")
except Exception as e:
    print(f"其他错误: {e}")

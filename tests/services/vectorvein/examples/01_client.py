from simstudio.services.vectorvein import VectorVeinClient
# 创建客户端实例
client = VectorVeinClient(api_key="YOUR_API_KEY")

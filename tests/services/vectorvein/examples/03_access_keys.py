# 创建访问密钥
keys = client.create_access_keys(
access_key_type="L", # L: 长期, M: 多次, O: 一次性
app_id="YOUR_APP_ID",
count=1,
max_credits=500,
description="测试密钥"
)
print(f"创建的访问密钥: {keys}")
# 获取访问密钥信息
keys = client.get_access_keys(["ACCESS_KEY_1", "ACCESS_KEY_2"])
print(f"访问密钥信息: {keys}")
# 列出访问密钥
response = client.list_access_keys(
page=1,
page_size=10,
sort_field="create_time",
sort_order="descend"
)
print(f"访问密钥列表: {response}")
# 更新访问密钥
client.update_access_keys(
access_key="ACCESS_KEY",
description="更新的描述"
)
# 删除访问密钥
client.delete_access_keys(
app_id="YOUR_APP_ID",
access_keys=["ACCESS_KEY_1", "ACCESS_KEY_2"]
)

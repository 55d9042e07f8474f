from simstudio.services.vectorvein import WorkflowInputField
# 准备工作流输入字段
input_fields = [
WorkflowInputField(
node_id="8fc6eceb-8599-46a7-87fe-58bf7c0b633e",
field_name="商品名称",
value="测试商品"
)
]
# 异步运行工作流
rid = client.run_workflow(
wid="abcde0985736457aa72cc667f17bfc89",
input_fields=input_fields,
wait_for_completion=False
)
print(f"工作流运行ID: {rid}")
# 同步运行工作流
result = client.run_workflow(
wid="abcde0985736457aa72cc667f17bfc89",
input_fields=input_fields,
wait_for_completion=True
)
print(f"工作流运行结果: {result}")

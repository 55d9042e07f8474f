# 格� 1: 简�对象格�（最常用）
{"input1": "value1", "input2": 123}

# 格� 2: 数组格�
[
    {"handle": "input1", "value": "value1"},
    {"handle": "input2", "value": 123}
]

# 格� 3: 节点格�（多节点场景）
[
    {
        "nodeId": "node1",
        "inputs": [{"handle": "input1", "value": "value1"}]
    }
]

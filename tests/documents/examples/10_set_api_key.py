client.set_api_key("new-api-key")

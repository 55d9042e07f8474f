client.set_base_url("https://my-custom-domain.com")

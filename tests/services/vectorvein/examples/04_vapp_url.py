url = client.generate_vapp_url(
app_id="YOUR_APP_ID",
access_key="YOUR_ACCESS_KEY",
key_id="YOUR_KEY_ID"
)
print(f"VApp访问链接: {url}")

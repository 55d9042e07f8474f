client.close()

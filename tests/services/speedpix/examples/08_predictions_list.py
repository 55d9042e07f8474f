from simstudio.services.speedpix import Client

client = Client()
predictions = client.predictions.list()

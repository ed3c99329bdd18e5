from contract.limits import raise_open_files
from contract.server import serve
from contract.settings import Deployment, Workload
from service.app import create_app

if __name__ == "__main__":
    raise_open_files()  # each waiting client is a socket
    deployment = Deployment()
    serve(create_app(deployment, Workload()), deployment.host, deployment.port, deployment.log_level)

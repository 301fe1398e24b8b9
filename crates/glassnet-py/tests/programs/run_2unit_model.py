from run_model import create_2unit_net, run_model

run_model(create_2unit_net())

from run_model import create_3unit_net, run_model

run_model(create_3unit_net())

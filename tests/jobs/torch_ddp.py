"""Distributed training as PyTorch's tutorial has it: gloo, the rendezvous of env://, DistributedDataParallel."""

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

dist.init_process_group("gloo")
torch.manual_seed(1)
model = DistributedDataParallel(torch.nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
torch.manual_seed(dist.get_rank())
for _ in range(5):
    optimizer.zero_grad()
    model(torch.randn(8, 4)).square().mean().backward()
    optimizer.step()
mine = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
everybody = [torch.zeros_like(mine) for _ in range(dist.get_world_size())]
dist.all_gather(everybody, mine)
assert all(torch.equal(mine, other) for other in everybody), everybody
print(f"rank {dist.get_rank()} of {dist.get_world_size()}: the same model everywhere", flush=True)
dist.barrier()  # the job is over when the first is
dist.destroy_process_group()

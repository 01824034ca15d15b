"""The encoder's size and shapes against the published ones, its sums against a plain convolution."""

import torch

from ReVertLib.network.encoder import ResNet, global_code


def _parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_as_many_parameters_as_torchvisions_resnet18_without_its_classifier():
    assert _parameters(ResNet(in_channels=3)) == 11_176_512
    assert _parameters(ResNet()) == 11_176_512 - 2 * 64 * 7 * 7


def test_as_many_parameters_as_resnet34():
    assert _parameters(ResNet(in_channels=3, blocks=(3, 4, 6, 3))) == 21_797_672 - 513 * 1000


def test_strides_and_widths():
    network = ResNet(widths=(4, 6, 8, 10), blocks=(1, 1, 1, 1)).eval()
    features = network(torch.zeros(2, 1, 96, 64))
    stem, *stages = [tuple(f.shape) for f in features]
    assert stem == (2, 4, 48, 32)
    assert stages == [(2, 4, 24, 16), (2, 6, 12, 8), (2, 8, 6, 4), (2, 10, 3, 2)]


def test_code_is_the_average_of_the_last_map():
    features = [torch.zeros(1, 1, 4, 4), torch.tensor([[[[1.0, 2.0], [3.0, 6.0]], [[0.0, 0.0], [0.0, -4.0]]]])]
    assert global_code(features).tolist() == [[3.0, -1.0]]


def test_a_block_adds_its_shortcut():
    """With the second norm's scale 0 a block's body is nothing: the first stage then passes its input on."""
    network = ResNet(widths=(4, 4, 4, 4)).eval()
    for block in network.stages[0]:
        torch.nn.init.zeros_(block.body[4].weight)
    image = torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(network(image)[1], network.pool(network.stem(image)))


def test_stride_32_moves_with_the_image():
    """Away from the border a shift of the image by 32 pixels shifts the last map by one."""
    torch.manual_seed(0)
    network = ResNet(widths=(2, 2, 2, 2), blocks=(1, 1, 1, 1)).eval()
    image = torch.zeros(1, 1, 512, 512)
    image[..., 250, 250] = 1
    first, second = network(image)[4], network(image.roll(32, dims=3))[4]
    assert first[..., 4:12, 4:11].std() > 1e-3
    assert torch.allclose(first[..., 4:12, 4:11], second[..., 4:12, 5:12], atol=1e-6)
